"""One OpenTelemetry trace a call."""

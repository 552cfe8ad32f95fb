"""Voice activity detection with WebRTC's detector."""

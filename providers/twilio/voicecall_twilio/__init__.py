"""What is this? The provider `twilio`: calls over Twilio Programmable Voice."""

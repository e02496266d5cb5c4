"""What starts, watches and reads things for tests."""

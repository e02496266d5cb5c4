"""What all pages stand on."""

"""What every page of the web application stands on, whoever it is for."""

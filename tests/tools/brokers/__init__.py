"""Other brokers than Mosquitto 2.0: how they are had and run, what they are asked, and the page of their answers."""

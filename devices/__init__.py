"""What a device is and how its messages read. Pure: nothing here touches a network, a file descriptor or a clock."""

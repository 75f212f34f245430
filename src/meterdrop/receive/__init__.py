"""What arrived? Tickets of the door, the bell, and the originals."""

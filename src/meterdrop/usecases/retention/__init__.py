"""What is kept for a set time only goes when that is over; by default nothing does."""

"""What becomes of a file, from its first byte to the hand-over, whatever happens to anybody?"""

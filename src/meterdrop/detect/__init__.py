"""Which feed is it, and how is it written?"""

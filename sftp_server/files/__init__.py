"""Where is a partner's file on disk, and what may it be called?"""

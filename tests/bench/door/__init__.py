"""Is the door as quick and as small as OpenSSH's own server?"""

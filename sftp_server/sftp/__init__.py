"""What may be asked over SFTP, and what is answered?"""

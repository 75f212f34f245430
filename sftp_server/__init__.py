"""The door: an SFTP server that takes partners' files and hands them over, one ticket an upload."""

"""Who comes, how do they prove who they are, and how do they behave while they are here?"""

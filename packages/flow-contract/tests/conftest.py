from hypothesis import settings

# No deadline per example: this machine's load is nobody's bug.
settings.register_profile("contract", deadline=None)
settings.load_profile("contract")

from hypothesis import settings

# No deadline per example: a machine that is busy is no bug.
settings.register_profile("contract", deadline=None)
settings.load_profile("contract")

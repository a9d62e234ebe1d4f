from hypothesis import HealthCheck, settings

# No deadline per example: a machine that is busy is no bug.
settings.register_profile("contract", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("contract")

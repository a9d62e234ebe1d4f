from hypothesis import HealthCheck, settings

settings.register_profile("checker", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("checker")

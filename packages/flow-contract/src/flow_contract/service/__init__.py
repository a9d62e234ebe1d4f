"""What the services of this project do alike: read settings, listen, write log lines.

Needs the extra `flow-contract[service]`; the contract itself never imports from here.
"""

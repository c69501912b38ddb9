"""What stands in for the two services nobody has on a fresh machine: a Slack workspace and a planner."""

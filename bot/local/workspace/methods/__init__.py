"""The methods of Slack's Web API that this workspace has, a class for each family."""

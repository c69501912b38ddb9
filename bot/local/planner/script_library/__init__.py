"""What the planner's scripts are put together from.

Every function here is ordinary code, tested as such; `compose` copies those that a script needs into it, so that the
script stands alone in the user's workspace. So nothing here knows the planner, and a piece imports only what the
runtime of the sandbox has.
"""

"""Draws how long people wait at the checkout, hour by hour."""

import matplotlib.pyplot as plt

hours = list(range(9, 21))
waiting = [2, 3, 3, 5, 9, 7, 4, 4, 6, 11, 8, 3]  # minutes

longest = max(waiting)
print(f"The longest wait is {longest} minutes, at {hours[waiting.index(longest)]}:00.")

figure, axes = plt.subplots()
axes.bar(hours, waitng, color="#1d5fa8")
axes.set_title("Waiting at the checkout")
axes.set_xlabel("hour of the day")
axes.set_ylabel("minutes")
figure.savefig("waiting.png", dpi=120)

sound

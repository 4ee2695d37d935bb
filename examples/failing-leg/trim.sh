# Print the argument without the spaces at its ends.
text=$1
while [ "${text# }" != "$text" ]; do text=${text# }; done
while [ "${text% }" != "$text" ]; do text=${text% }; done
echo "[$text]"

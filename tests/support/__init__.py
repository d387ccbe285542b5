"""What tests stand on: real servers and doubles that more than one test folder uses."""

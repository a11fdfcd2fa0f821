"""What the method does with real features of real kitchens; see __main__."""

"""Import of products: profiles read files into rows of text, a plan checks the rows, writing carries it out."""

"""Networks: a body, a head, their sections, and weights loaded into them."""

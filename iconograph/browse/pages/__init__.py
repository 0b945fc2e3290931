"""The pages of the site: every module here has `pages(world)`, and is found by listing them."""

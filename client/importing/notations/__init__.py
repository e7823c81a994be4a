"""Numbers, dates and units of time, as tools and spreadsheets write them."""

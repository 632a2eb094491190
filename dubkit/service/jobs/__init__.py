"""What jobs there are, and what becomes of them: tables in a database that owners, pages and workers share."""

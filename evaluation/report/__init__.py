"""What people read: tables and figures out of result sets, the report's page, and the numbers in the README and docs."""

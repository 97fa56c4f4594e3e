"""What WeCom calls back about: received, kept, then read again from WeCom into the mirror."""

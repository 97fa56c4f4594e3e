"""An event of the till: somebody earned a point."""


def subject(message):
    """The customer."""
    return message.text("ExternalUserID") or None


def read(client, subject):
    """WeCom's own word that the customer is there."""
    from storeops.wecom import customers

    return customers.get(client, subject).external_contact.external_userid


def write(db, subject, found, events, now):
    """One point for each event."""
    with db.atomic() as connection:
        connection.execute(
            "INSERT INTO loyalty_points (external_userid, points) VALUES (?, ?)"
            " ON CONFLICT (external_userid) DO UPDATE SET points = points + excluded.points",
            (found, len(events)),
        )


class Bell:
    """The bell of the till rings at once; it is rung once for an event."""

    wound = 0

    def __call__(self, app, event, message):
        """Ring it."""
        if message.event == "loyalty_points":
            with app.data.atomic() as connection:
                connection.execute("INSERT OR IGNORE INTO loyalty_bell VALUES (?)", (event.id,))

    def prepare(self, app):
        """It is wound before anybody comes."""
        self.wound += 1


ring = Bell()

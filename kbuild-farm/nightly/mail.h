/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/mail.h - a report as a message for sendmail(8): RFC 5322, with
 * RFC 2047 for words of a header that are not ASCII and RFC 2045 for the text.
 *
 * Whatever the texts hold, a header is the header that is meant: no line ends
 * in one but where it is folded, and nothing that steers a terminal or turns
 * the order of what is read gets through (base/printable).
 */
#ifndef NIGHTLY_MAIL_H
#define NIGHTLY_MAIL_H

#include "base/buf.h"
#include "base/err.h"

#include <time.h>

struct nightly_mail {
	/*
	 * Addresses, separated by commas: "a@example.org", "root",
	 * "Jörg <j@example.org>".
	 */
	const char *from, *to;
	const char *name; /* of the nightly: its mails are one thread */
	const char *result; /* X-Kfarm-Result: PASS, WARN, FAIL or ERROR */
	const char *subject, *text; /* UTF-8; the text has lines */
	time_t date; /* in our time zone */
	const char *host; /* right of the @ in its ids */
	unsigned number; /* tells it from others of the same second */
};

/*
 * Append the message, whose lines end in "\n" alone, as sendmail(8) reads
 * them.  Returns 0, or -EINVAL with `err` naming the address that is none.
 */
int nightly_mail_write(struct buf *out, const struct nightly_mail *m,
		       struct err *err);
/* Are these addresses, one at least?  0, or -EINVAL with `err` set. */
int nightly_mail_check(const char *addresses, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/mail.h - Formatting of a report as an e-mail message.
 *
 * The message follows RFC 5322, with RFC 2047 for header words that are not
 * ASCII and RFC 2045 for the text.  Input cannot inject headers: line breaks
 * occur in a header only where it is folded.  Control and bidirectional
 * characters (base/printable) are escaped in the subject and the text, and make
 * an address invalid.
 */
#ifndef NIGHTLY_MAIL_H
#define NIGHTLY_MAIL_H

#include "base/buf.h"
#include "base/err.h"

#include <time.h>

struct nightly_mail {
	/*
	 * Comma-separated addresses: "a@example.org", "root", "Jörg
	 * <j@example.org>".
	 */
	const char *from, *to;
	const char *name; /* name of the job, whose mails form one thread */
	const char *result; /* X-Kfarm-Result: PASS, WARN, FAIL or ERROR */
	const char *subject, *text; /* UTF-8; `text` can have several lines */
	time_t date_s; /* displayed in the local time zone */
	const char *host; /* domain of the message ids */
	unsigned sequence; /* distinguishes messages of the same second */
};

/*
 * Append the message for sendmail(8); lines end in "\n".  Returns 0, or -EINVAL
 * with `err` naming the invalid address.
 */
int nightly_mail_write(struct buf *out, const struct nightly_mail *m,
		       struct err *err);
/*
 * Check a list of addresses.  Returns 0, or -EINVAL with `err` set if the list
 * is empty or invalid.
 */
int nightly_mail_check_addresses(const char *addresses, struct err *err);

#endif

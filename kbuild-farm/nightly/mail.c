/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/mail.h"

#include "base/printable.h"
#include "base/str.h"
#include "nightly/report-text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 76 /* RFC 2045, 6.7; RFC 2047, 2 */
#define PLAIN_MAX      900 /* RFC 5322, 2.1.1 allows 998 */
#define WORD_BYTES     39 /* bytes of text per encoded word; 52 in base64 */
#define SUBJECT_MAX    400 /* bytes */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Return the text on one line, safe for display.  The caller frees it. */
static char *one_line(const char *text)
{
	struct buf out = { 0 };

	nightly_report_add_printable(&out, text);
	return buf_steal(&out);
}

/*
 * Return true if a header can contain the text without encoded words (RFC
 * 2047).
 */
static bool is_plain_header(const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c < ' ' || *c > '~')
			return false;
	}
	return !strstr(text, "=?");
}

static void add_encoded_word(struct buf *out, const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;

	buf_add_str(out, "=?UTF-8?B?");
	for (size_t i = 0; i < len; i += 3) {
		unsigned left = len - i < 3 ? (unsigned)(len - i) : 3;
		uint32_t v = (uint32_t)p[i] << 16 |
			     (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (left > 2 ? p[i + 2] : 0);

		for (unsigned j = 0; j < 4; j++)
			buf_add(out,
				j <= left ? &base64[v >> (18 - 6 * j) & 63] :
					    "=",
				1);
	}
	buf_add_str(out, "?=");
}

/*
 * Append `text` as encoded words, one per line.  The first word fits on the
 * line that begins with "Subject: ".  Mail readers do not display the white
 * space between encoded words (RFC 2047).
 */
static void add_encoded(struct buf *out, const char *text)
{
	while (*text) {
		size_t n = printable_prefix_len(text, WORD_BYTES);

		add_encoded_word(out, text, n);
		text += n;
		if (*text)
			buf_add_str(out, "\n ");
	}
}

/*
 * Append `text`, folded at spaces so that no line has more than 76 characters,
 * unless a single word is longer.
 */
static void add_folded(struct buf *out, size_t column, const char *text)
{
	while (*text) {
		size_t n = strcspn(text + 1, " ") + 1;

		if (*text == ' ' && column + n > LINE_MAX_BYTES) {
			buf_add_str(out, "\n");
			column = 0;
		}
		buf_add(out, text, n);
		column += n;
		text += n;
	}
}

static void add_subject(struct buf *out, const char *subject)
{
	struct strv words = { 0 };
	char *line = one_line(subject), *text;
	size_t n;

	/*
	 * Remove excess blanks, because folding must not make a line that
	 * consists of blanks or ends in a blank.
	 */
	strv_split(&words, line, " ");
	text = strv_join(&words, " ");
	n = printable_prefix_len(text, SUBJECT_MAX);
	buf_add_str(out, "Subject: ");
	if (text[n])
		memcpy(text + printable_prefix_len(text, SUBJECT_MAX - 3),
		       "...", 4);
	if (is_plain_header(text))
		add_folded(out, strlen("Subject: "), text);
	else
		add_encoded(out, text);
	buf_add_str(out, "\n");
	strv_release(&words);
	free(text);
	free(line);
}

/* ---------------------------------------------------------- addresses */

/*
 * Return true if `text` is an address of unquoted RFC 5322 atoms, such as
 * "j@example.org" or "root".
 */
static bool is_address(const char *text, size_t n)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789!#$%&'*+-/=?^_`{|}~.@";
	const char *at = memchr(text, '@', n);

	if (!n || n > 254 || *text == '-' || strspn(text, allowed) < n)
		return false;
	return !at || (at > text && at + 1 < text + n &&
		       !memchr(at + 1, '@', (size_t)(text + n - at - 1)));
}

/*
 * Append the display name that precedes an <ADDRESS>.  The name is written as
 * atoms, as a quoted string, or as encoded words.
 */
static void add_phrase(struct buf *out, const char *phrase)
{
	static const char quoted[] = "()<>[]:;@\\,.\"";

	if (!is_plain_header(phrase)) {
		add_encoded(out, phrase);
	} else if (phrase[strcspn(phrase, quoted)]) {
		buf_add_str(out, "\"");
		for (; *phrase; phrase++)
			buf_printf(out, "%s%c",
				   strchr("\"\\", *phrase) ? "\\" : "",
				   *phrase);
		buf_add_str(out, "\"");
	} else {
		buf_add_str(out, phrase);
	}
}

/* Remove surrounding blanks and quotes; modifies `text`. */
static char *trim_and_unquote(char *text)
{
	char *from, *to;
	size_t n;

	text += strspn(text, " \t");
	for (n = strlen(text); n && strchr(" \t", text[n - 1]);)
		text[--n] = '\0';
	if (n < 2 || *text != '"' || text[n - 1] != '"')
		return text;
	text[n - 1] = '\0';
	for (from = to = ++text; *from; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return text;
}

/* Append one address, NAME <ADDRESS> or ADDRESS; modifies `text`. */
static int add_address(struct buf *out, char *text, struct err *err)
{
	bool shows = printable_is_safe(bytes_str(text), 0);
	char *shown = one_line(text), *open, *end;
	int ret = 0;

	text = trim_and_unquote(text);
	open = strrchr(text, '<');
	end = open ? strchr(open, '>') : NULL;
	if (!shows || (open && (!end || end[1]))) {
		ret = -EINVAL;
	} else if (!open) {
		ret = is_address(text, strlen(text)) ? 0 : -EINVAL;
		buf_add_str(out, text);
	} else if (!is_address(open + 1, (size_t)(end - open - 1))) {
		ret = -EINVAL;
	} else {
		*open = '\0';
		text = trim_and_unquote(text);
		add_phrase(out, text);
		buf_printf(out, "%s<%s", *text ? " " : "", open + 1);
	}
	if (ret)
		err_set(err, EINVAL, "\"%s\" is not a valid mail address",
			shown);
	free(shown);
	return ret;
}

static int add_addresses(struct buf *out, const char *list, struct err *err)
{
	char *copy = xstrdup(list), *at = copy, *end;
	int ret = 0;
	bool more;

	do {
		bool quoted = false;

		/* A comma in a quoted name does not end the address. */
		for (end = at; *end && (quoted || *end != ','); end++) {
			if (*end == '\\' && end[1])
				end++;
			else
				quoted ^= *end == '"';
		}
		more = *end;
		*end = '\0';
		ret = add_address(out, at, err);
		if (more)
			buf_add_str(out, ",\n ");
		at = end + 1;
	} while (!ret && more);
	free(copy);
	return ret;
}

int nightly_mail_check_addresses(const char *addresses, struct err *err)
{
	struct buf ignored = { 0 };
	int ret = add_addresses(&ignored, addresses, err);

	buf_release(&ignored);
	return ret;
}

/* --------------------------------------------------------------- text */

/* Return true if every mail server passes the text on unchanged. */
static bool is_seven_bit(const char *text)
{
	for (const char *line = text; *line; line += *line == '\n') {
		size_t n = strcspn(line, "\n");

		for (size_t i = 0; i < n; i++) {
			if (line[i] != '\t' && (line[i] < ' ' || line[i] > '~'))
				return false;
		}
		if (n > PLAIN_MAX || str_starts(line, "From ") ||
		    (n && strchr(" \t", line[n - 1])))
			return false;
		line += n;
	}
	return true;
}

static void add_quoted_printable(struct buf *out, const char *text)
{
	const char *line = text;
	size_t column = 0;

	for (const char *c = text; *c; c++) {
		bool ends = c[1] == '\n' || !c[1];
		bool first_of_from = c == line && str_starts(c, "From ");
		bool plain = *c >= ' ' && *c <= '~' && *c != '=' &&
			     !(*c == ' ' && ends) && !first_of_from;
		size_t n = plain ? 1 : 3;

		if (*c == '\n') {
			buf_add_str(out, "\n");
			column = 0;
			line = c + 1;
			continue;
		}
		if (column + n >= LINE_MAX_BYTES) {
			buf_add_str(out, "=\n");
			column = 0;
		}
		if (plain)
			buf_add(out, c, 1);
		else
			buf_printf(out, "=%02X", (unsigned char)*c);
		column += n;
	}
}

static void add_mail_text(struct buf *out, const char *text)
{
	struct buf shown = { 0 };
	bool seven_bit;

	printable_add_escaped(&shown, bytes_str(text), PRINTABLE_WHITESPACE);
	if (!shown.len || shown.data[shown.len - 1] != '\n')
		buf_add_str(&shown, "\n");
	seven_bit = is_seven_bit(buf_str(&shown));
	buf_printf(out,
		   "MIME-Version: 1.0\n"
		   "Content-Type: text/plain; charset=utf-8\n"
		   "Content-Transfer-Encoding: %s\n\n",
		   seven_bit ? "7bit" : "quoted-printable");
	if (seven_bit)
		buf_add_bytes(out, buf_bytes(&shown));
	else
		add_quoted_printable(out, buf_str(&shown));
	buf_release(&shown);
}

/* ------------------------------------------------------------ headers */

/* Append the Date header.  strftime() would use the names of the locale. */
static void add_mail_date(struct buf *out, time_t date)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm t = { 0 };
	long off;

	if (!localtime_r(&date, &t))
		gmtime_r(&(time_t){ 0 }, &t);
	off = t.tm_gmtoff / 60;
	buf_printf(out, "Date: %.3s, %d %.3s %d %02d:%02d:%02d %c%02ld%02ld\n",
		   days + 3 * (t.tm_wday % 7), t.tm_mday,
		   months + 3 * (t.tm_mon % 12), t.tm_year + 1900, t.tm_hour,
		   t.tm_min, t.tm_sec, off < 0 ? '-' : '+', labs(off) / 60,
		   labs(off) % 60);
}

/*
 * Return `text` as a valid part of a message id, which consists of RFC 5322
 * atoms and dots.  The caller frees it.
 */
static char *sanitize_message_id(const char *text)
{
	char *out = xstrdup(*text ? text : "localhost");

	for (char *c = out; *c; c++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+",
			    *c) ||
		    (*c == '.' && (c == out || !c[1] || c[1] == '.')))
			*c = '-';
	}
	return out;
}

int nightly_mail_write(struct buf *out, const struct nightly_mail *m,
		       struct err *err)
{
	char *result = sanitize_message_id(m->result);
	char *name = sanitize_message_id(m->name);
	char *host = sanitize_message_id(m->host);
	struct buf head = { 0 };
	int ret;

	buf_add_str(&head, "From: ");
	ret = add_addresses(&head, m->from, err);
	buf_add_str(&head, "\nTo: ");
	if (!ret)
		ret = add_addresses(&head, m->to, err);
	buf_add_str(&head, "\n");
	if (!ret) {
		add_subject(&head, m->subject);
		add_mail_date(&head, m->date_s);
		/*
		 * All mails of a job refer to one message that was never sent,
		 * so that mail readers display them as one thread.
		 */
		buf_printf(&head,
			   "Message-ID: <kfarm.%s.%lld.%u@%s>\n"
			   "In-Reply-To: <kfarm.%s@%s>\n"
			   "References: <kfarm.%s@%s>\n"
			   "Auto-Submitted: auto-generated\n"
			   "X-Kfarm-Result: %s\n",
			   name, (long long)m->date_s, m->sequence, host, name,
			   host, name, host, result);
		add_mail_text(&head, m->text);
		buf_add_bytes(out, buf_bytes(&head));
	}
	buf_release(&head);
	free(host);
	free(name);
	free(result);
	return ret;
}

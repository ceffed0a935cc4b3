/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/release.h"

#include "base/buf.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX 128

static const char digits[] = "0123456789";

static const char *release_family_name(const struct toolchain_release *r)
{
	return r->is_clang ? "clang" : "gcc";
}

/* Parse all of `text` as one to three numbers separated by dots. */
static bool read_parts(const char *text, struct toolchain_release *r)
{
	for (;;) {
		size_t n = strspn(text, digits);

		if (!n || n > TOOLCHAIN_RELEASE_DIGITS_MAX || r->n_parts == 3 ||
		    (n > 1 && *text == '0'))
			return false;
		r->parts[r->n_parts++] = (unsigned)strtoul(text, NULL, 10);
		text += n;
		if (!*text)
			return true;
		if (*text++ != '.')
			return false;
	}
}

int toolchain_release_parse(const char *text, struct toolchain_release *r,
			    struct err *err)
{
	struct toolchain_release got = { .is_clang = str_starts(text,
								"clang") };
	const char *rest = text + strlen(release_family_name(&got));

	if ((got.is_clang || str_starts(text, "gcc")) &&
	    (!*rest || (*rest == '-' && read_parts(rest + 1, &got)))) {
		*r = got;
		return 0;
	}
	return err_set(
		err, EINVAL,
		"invalid release \"%s\": expected gcc or clang, optionally "
		"with a version (gcc-13, gcc-13.3, gcc-13.3.0)",
		text);
}

int toolchain_release_parse_version(bool is_clang, const char *version,
				    struct toolchain_release *r,
				    struct err *err)
{
	struct toolchain_release got = { .is_clang = is_clang };

	if (!read_parts(version, &got))
		return err_set(err, EINVAL, "\"%s\" is not a version of %s",
			       version, release_family_name(&got));
	*r = got;
	return 0;
}

char *toolchain_release_format_version(const struct toolchain_release *r)
{
	struct buf out = { 0 };

	buf_add_str(&out, "");
	for (unsigned i = 0; i < r->n_parts; i++)
		buf_printf(&out, "%s%u", i ? "." : "", r->parts[i]);
	return buf_steal(&out);
}

char *toolchain_release_format(const struct toolchain_release *r)
{
	char *version = toolchain_release_format_version(r);
	char *out = xasprintf("%s%s%s", release_family_name(r),
			      r->n_parts ? "-" : "", version);

	free(version);
	return out;
}

bool toolchain_release_matches(const struct toolchain_release *wanted,
			       const struct toolchain_release *full)
{
	return wanted->is_clang == full->is_clang &&
	       wanted->n_parts <= full->n_parts &&
	       !memcmp(wanted->parts, full->parts,
		       wanted->n_parts * sizeof(wanted->parts[0]));
}

int toolchain_release_compare(const struct toolchain_release *a,
			      const struct toolchain_release *b)
{
	if (a->is_clang != b->is_clang)
		return a->is_clang ? 1 : -1;
	for (int i = 0; i < 3; i++) {
		if (a->parts[i] != b->parts[i])
			return a->parts[i] > b->parts[i] ? 1 : -1;
	}
	return 0;
}

char *toolchain_release_id(const struct toolchain_release *r,
			   const char *triplet, const char *host)
{
	char *text = toolchain_release_format(r);
	char *out = xasprintf("%s%s%s%s%s", text, triplet ? "-" : "",
			      triplet ? triplet : "", host ? "-on-" : "",
			      host ? host : "");

	free(text);
	return out;
}

bool toolchain_release_is_id(const char *id)
{
	size_t len = strlen(id);

	if (!len || len > ID_MAX || !isalnum((unsigned char)id[0]))
		return false;
	return strspn(id, "abcdefghijklmnopqrstuvwxyz"
			  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-") == len;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/config-text.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/printable.h"
#include "kernel/setting.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 40 /* letters of a line that is none */

/* By its first bytes, as file(1) tells it; its name may be anything. */
static bool is_packed(struct bytes b)
{
	static const char *const magic[] = { "\x1f\x8b",
					     "\xfd"
					     "7zXZ",
					     "BZh", "\x28\xb5\x2f\xfd" };

	for (size_t i = 0; i < sizeof(magic) / sizeof(*magic); i++) {
		size_t n = strlen(magic[i]);

		if (b.len > n && !memcmp(b.data, magic[i], n))
			return true;
	}
	return false;
}

static int read_unpacked(struct archive *a, struct buf *out, struct err *err)
{
	char block[1 << 14];
	la_ssize_t n;

	while ((n = archive_read_data(a, block, sizeof(block))) > 0) {
		buf_add(out, block, (size_t)n);
		if (out->len > KERNEL_CONFIG_MAX)
			return err_set(err, EFBIG,
				       "more than %u bytes when unpacked",
				       KERNEL_CONFIG_MAX);
	}
	if (n < 0)
		return err_set(err, EINVAL, "cannot be unpacked: %s",
			       archive_error_string(a));
	return 0;
}

static int unpack_config(struct bytes raw, struct buf *out, struct err *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	int ret;

	archive_read_support_filter_gzip(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_memory(a, raw.data, raw.len) ||
	    archive_read_next_header(a, &entry))
		ret = err_set(err, EINVAL, "cannot be unpacked: %s",
			      archive_error_string(a));
	else
		ret = read_unpacked(a, out, err);
	archive_read_free(a);
	return ret;
}

/* Kconfig would take a web page for a configuration that sets nothing. */
static int check_lines(const char *text, struct err *err)
{
	const char *odd = NULL;
	struct kernel_setting s;
	struct buf shown = { 0 };
	size_t n;

	for (const char *at = text; *at; at = kernel_setting_next(at)) {
		if (kernel_setting_of(&s, at))
			return 0;
		if (!odd && !kernel_setting_is_comment(at))
			odd = at;
	}
	if (!odd)
		return 0;
	n = strcspn(odd, "\r\n");
	printable_add(&shown, bytes_of(odd, n < SHOWN ? n : SHOWN), 0);
	err_set(err, EINVAL,
		"no configuration: no line of it is CONFIG_NAME=VALUE, and one "
		"is \"%s\"",
		buf_str(&shown));
	buf_release(&shown);
	return -EINVAL;
}

int kernel_config_text(struct bytes raw, char **out, struct err *err)
{
	struct buf text = { 0 };
	int ret = 0;

	if (is_packed(raw))
		ret = unpack_config(raw, &text, err);
	else
		buf_add_bytes(&text, raw);
	if (!ret && text.len && memchr(text.data, '\0', text.len))
		ret = err_set(err, EINVAL, "no configuration: it is no text");
	/* A shell's here-document, as in reproducer.sh, ends like this. */
	if (!ret && text.len && text.data[text.len - 1] != '\n')
		buf_add_str(&text, "\n");
	if (!ret)
		ret = check_lines(buf_str(&text), err);
	if (!ret)
		*out = xstrdup(buf_str(&text));
	buf_release(&text);
	return ret;
}

int kernel_config_text_read(const char *path, char **out, struct err *err)
{
	struct buf raw = { 0 };
	int ret = fs_read(path, KERNEL_CONFIG_MAX, &raw, err);

	if (!ret) {
		ret = kernel_config_text(buf_bytes(&raw), out, err);
		if (ret)
			err_wrap(err, "%s", path);
	}
	buf_release(&raw);
	return ret;
}

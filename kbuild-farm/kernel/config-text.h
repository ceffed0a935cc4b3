/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/config-text.h - the text of a configuration that a file or a server
 * gave, which may be anything.
 */
#ifndef KERNEL_CONFIG_TEXT_H
#define KERNEL_CONFIG_TEXT_H

#include "base/bytes.h"
#include "base/err.h"

#define KERNEL_CONFIG_MAX (16u << 20) /* bytes, packed or not */

/*
 * The text of it in *out, which the caller frees; it ends in a newline unless
 * it is empty.  What is packed by gzip (/proc/config.gz), xz, bzip2 or zstd is
 * unpacked.  -EINVAL with `err` for what is no configuration: bytes that are
 * no text, lines of which none sets anything; -EFBIG beyond KERNEL_CONFIG_MAX.
 * `err` does not name it.
 */
int kernel_config_text(struct bytes raw, char **out, struct err *err);
/* The same of a file, which `err` names. */
int kernel_config_text_read(const char *path, char **out, struct err *err);

#endif

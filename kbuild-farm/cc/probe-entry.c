/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/probe-entry.h"

#include "base/state-file.h"
#include "base/str.h"
#include "options/probe-stamps.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct state_file entry_file = {
	.max_bytes = CC_PROBE_ENTRY_MAX_BYTES,
	.mode = 0600,
	.is_private = true,
};

static const char probe_entry_magic[8] = { 'k', 'f', 'a', 'n',
					   's', 'w', 'r', '1' };
#define PROBE_ENTRY_HEADER_BYTES (sizeof(probe_entry_magic) + sizeof(uint64_t))

enum {
	ENTRY_FLAG_HAS_OUTPUT = 1,
	ENTRY_FLAG_EXECUTABLE = 2
};

void cc_probe_entry_encode(struct buf *to, struct bytes key,
			   const struct cc_probe_entry *a)
{
	uint8_t sum[sizeof(uint64_t)] = { 0 };
	size_t head = to->len;

	buf_add(to, probe_entry_magic, sizeof(probe_entry_magic));
	buf_add(to, sum, sizeof(sum));
	buf_put_bytes(to, key);
	buf_put_u32(to, a->status);
	buf_put_u32(to, (a->has_output_file ? ENTRY_FLAG_HAS_OUTPUT : 0) |
				(a->executable ? ENTRY_FLAG_EXECUTABLE : 0));
	buf_put_bytes(to, a->out);
	buf_put_bytes(to, a->err);
	buf_put_bytes(to, a->output);
	put_le64(to->data + head + sizeof(probe_entry_magic),
		 bytes_hash(bytes_of(to->data + head + PROBE_ENTRY_HEADER_BYTES,
				     to->len - head - PROBE_ENTRY_HEADER_BYTES),
			    0));
}

bool cc_probe_entry_decode(struct cc_probe_entry *a, struct bytes in,
			   struct bytes key)
{
	struct reader r;
	struct bytes asked;
	uint32_t flags;

	*a = (struct cc_probe_entry){ 0 };
	if (in.len < PROBE_ENTRY_HEADER_BYTES ||
	    in.len > CC_PROBE_ENTRY_MAX_BYTES ||
	    memcmp(in.data, probe_entry_magic, sizeof(probe_entry_magic)) != 0)
		return false;
	reader_init(&r, bytes_of(in.data + PROBE_ENTRY_HEADER_BYTES,
				 in.len - PROBE_ENTRY_HEADER_BYTES));
	if (get_le64(in.data + sizeof(probe_entry_magic)) !=
	    bytes_hash(bytes_of(r.p, r.left), 0))
		return false;
	asked = reader_bytes(&r);
	a->status = reader_u32(&r);
	flags = reader_u32(&r);
	a->has_output_file = flags & ENTRY_FLAG_HAS_OUTPUT;
	a->executable = flags & ENTRY_FLAG_EXECUTABLE;
	a->out = reader_bytes(&r);
	a->err = reader_bytes(&r);
	a->output = reader_bytes(&r);
	return !reader_end(&r) && a->status <= 1 && bytes_equal(asked, key);
}

/*
 * A 64-bit hash suffices as the file name, because the file contains the
 * complete key.
 */
static char *probe_entry_path(const char *dir, struct bytes question)
{
	return xasprintf("%s/%016" PRIx64, dir, bytes_hash(question, 0));
}

bool cc_probe_entry_find(struct cc_probe_entry *a, struct buf *file,
			 const char *dir, struct bytes key)
{
	char *path = probe_entry_path(dir, key);
	struct err ignored;
	bool is = !state_file_read(&entry_file, path, file, &ignored) &&
		  cc_probe_entry_decode(a, buf_bytes(file), key);

	free(path);
	return is;
}

static bool has_room_for_entry(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	if (!d)
		return false;
	while (n <= OPTIONS_PROBE_ENTRIES_MAX && readdir(d))
		n++;
	closedir(d);
	return n <= OPTIONS_PROBE_ENTRIES_MAX;
}

void cc_probe_entry_write_file(const char *dir, const char *path,
			       struct bytes in)
{
	struct err ignored;

	if (has_room_for_entry(dir))
		state_file_write(&entry_file, path, in, &ignored);
}

void cc_probe_entry_store(const char *dir, struct bytes key,
			  const struct cc_probe_entry *a)
{
	char *path = probe_entry_path(dir, key);
	struct buf file = { 0 };

	cc_probe_entry_encode(&file, key, a);
	if (file.len <= CC_PROBE_ENTRY_MAX_BYTES)
		cc_probe_entry_write_file(dir, path, buf_bytes(&file));
	buf_release(&file);
	free(path);
}

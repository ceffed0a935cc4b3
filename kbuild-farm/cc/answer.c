/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/answer.h"

#include "base/str.h"
#include "options/probe-list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[8] = { 'k', 'f', 'a', 'n', 's', 'w', 'r', '1' };
#define HEAD (sizeof(magic) + sizeof(uint64_t))

enum {
	HAS_OUTPUT = 1,
	EXECUTABLE = 2
};

void cc_answer_encode(struct buf *to, struct bytes question,
		      const struct cc_remembered *a)
{
	uint8_t sum[sizeof(uint64_t)] = { 0 };
	size_t head = to->len;

	buf_add(to, magic, sizeof(magic));
	buf_add(to, sum, sizeof(sum));
	buf_put_bytes(to, question);
	buf_put_u32(to, a->status);
	buf_put_u32(to, (a->has_output ? HAS_OUTPUT : 0) |
				(a->executable ? EXECUTABLE : 0));
	buf_put_bytes(to, a->out);
	buf_put_bytes(to, a->err);
	buf_put_bytes(to, a->output);
	put_le64(to->data + head + sizeof(magic),
		 bytes_hash(bytes_of(to->data + head + HEAD,
				     to->len - head - HEAD),
			    0));
}

bool cc_answer_decode(struct cc_remembered *a, struct bytes in,
		      struct bytes question)
{
	struct reader r;
	struct bytes asked;
	uint32_t flags;

	*a = (struct cc_remembered){ 0 };
	if (in.len < HEAD || in.len > CC_REMEMBERED_MAX ||
	    memcmp(in.data, magic, sizeof(magic)) != 0)
		return false;
	reader_init(&r, bytes_of(in.data + HEAD, in.len - HEAD));
	if (get_le64(in.data + sizeof(magic)) !=
	    bytes_hash(bytes_of(r.p, r.left), 0))
		return false;
	asked = reader_bytes(&r);
	a->status = reader_u32(&r);
	flags = reader_u32(&r);
	a->has_output = flags & HAS_OUTPUT;
	a->executable = flags & EXECUTABLE;
	a->out = reader_bytes(&r);
	a->err = reader_bytes(&r);
	a->output = reader_bytes(&r);
	return !reader_end(&r) && a->status <= 1 &&
	       bytes_equal(asked, question);
}

/* 64 bits of a name do: what it is the name of is in the file. */
static char *answer_path(const char *dir, struct bytes question)
{
	return xasprintf("%s/%016" PRIx64, dir, bytes_hash(question, 0));
}

bool cc_answer_load(struct buf *out, const char *path, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    st.st_size > 0 && (uint64_t)st.st_size <= max &&
	    !buf_reserve(out, (size_t)st.st_size))
		n = read(fd, out->data, (size_t)st.st_size);
	close(fd);
	if (n <= 0 || n != st.st_size)
		return false;
	out->len = (size_t)n;
	out->data[n] = '\0';
	return true;
}

bool cc_answer_read(struct cc_remembered *a, struct buf *file, const char *dir,
		    struct bytes question)
{
	char *path = answer_path(dir, question);
	bool is = cc_answer_load(file, path, CC_REMEMBERED_MAX) &&
		  cc_answer_decode(a, buf_bytes(file), question);

	free(path);
	return is;
}

static bool may_hold_more(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	if (!d)
		return false;
	while (n <= OPTIONS_PROBE_FILES_MAX && readdir(d))
		n++;
	closedir(d);
	return n <= OPTIONS_PROBE_FILES_MAX;
}

/* Whoever comes later has the same to say. */
void cc_answer_save(const char *dir, const char *path, struct bytes in)
{
	char *tmp;
	ssize_t n;
	int fd;

	if (!may_hold_more(dir))
		return;
	tmp = xasprintf("%s/new-%d", dir, (int)getpid());
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		n = write(fd, in.data, in.len);
		if (close(fd) || n < 0 || (size_t)n != in.len ||
		    rename(tmp, path))
			unlink(tmp);
	}
	free(tmp);
}

void cc_answer_write(const char *dir, struct bytes question,
		     const struct cc_remembered *a)
{
	char *path = answer_path(dir, question);
	struct buf file = { 0 };

	cc_answer_encode(&file, question, a);
	if (file.len <= CC_REMEMBERED_MAX)
		cc_answer_save(dir, path, buf_bytes(&file));
	buf_release(&file);
	free(path);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/part.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC    "kfarm part 1 "
#define FROM_MAX 4096

static char *from_path(const char *path)
{
	return xasprintf("%s.from", path);
}

/* The last component, without a query. */
static char *url_name(const char *url)
{
	size_t n = strcspn(url, "?#");
	size_t start = n;

	while (start && url[start - 1] != '/')
		start--;
	return xstrndup(url + start, n - start);
}

static void forget_stamp(struct fetch_part *p)
{
	free(p->etag);
	free(p->modified);
	p->etag = NULL;
	p->modified = NULL;
	p->total = 0;
}

/* The next line of `*text`, which is cut; NULL: there is none. */
static char *cut_line(char **text)
{
	char *line = *text;
	char *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
}

static bool parse_from(struct fetch_part *p, char *text)
{
	char *head = cut_line(&text);
	char *etag = head ? cut_line(&text) : NULL;
	char *modified = etag ? cut_line(&text) : NULL;
	char *total = modified ? cut_line(&text) : NULL;
	char *end;

	if (!total || !str_starts(head, MAGIC) ||
	    strcmp(head + strlen(MAGIC), p->name) != 0)
		return false;
	p->etag = fetch_header_is_stamp(etag) ? xstrdup(etag) : NULL;
	p->modified = fetch_header_is_stamp(modified) ? xstrdup(modified) :
							NULL;
	errno = 0;
	p->total = strtoull(total, &end, 10);
	return !errno && !*end && (p->etag || p->modified);
}

static bool read_from(struct fetch_part *p)
{
	char *path = from_path(p->path);
	struct err ignored = { 0 };
	struct buf b = { 0 };
	bool ok = fs_exists(path) && !fs_read(path, FROM_MAX, &b, &ignored) &&
		  b.len && strlen(buf_str(&b)) == b.len &&
		  parse_from(p, (char *)b.data);

	buf_release(&b);
	free(path);
	return ok;
}

static int write_from(struct fetch_part *p, struct err *err)
{
	char *path = from_path(p->path);
	struct buf b = { 0 };
	int ret;

	buf_printf(&b, MAGIC "%s\n%s\n%s\n", p->name, p->etag ? p->etag : "",
		   p->modified ? p->modified : "");
	if (p->total)
		buf_printf(&b, "%" PRIu64, p->total);
	buf_add_str(&b, "\n");
	ret = fs_write(path, buf_bytes(&b), 0644, err);
	buf_release(&b);
	free(path);
	return ret;
}

static int empty_file(struct fetch_part *p, struct err *err)
{
	if (p->fd >= 0 &&
	    (ftruncate(p->fd, 0) || lseek(p->fd, 0, SEEK_SET) < 0))
		return err_errno(err, "empty %s", p->path);
	p->size = 0;
	forget_stamp(p);
	return 0;
}

static int open_part(struct fetch_part *p, struct err *err)
{
	struct stat st;

	p->fd = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	/* -ENOENT would say that the server has no such file. */
	if (p->fd < 0 && errno == ENOENT)
		return err_set(err, ENOTDIR, "%s: its directory is missing",
			       p->path);
	if (p->fd < 0)
		return err_errno(err, "open %s", p->path);
	if (flock(p->fd, LOCK_EX | LOCK_NB))
		return err_set(err, EBUSY,
			       "%s: another download writes it; wait for that "
			       "to end",
			       p->path);
	if (fstat(p->fd, &st))
		return err_errno(err, "stat %s", p->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s: not a file", p->path);
	p->size = (uint64_t)st.st_size;
	return 0;
}

int fetch_part_open(struct fetch_part *p, const char *path, const char *url,
		    struct err *err)
{
	int ret;

	*p = (struct fetch_part){ .fd = -1, .name = url_name(url) };
	if (!path)
		return 0;
	p->path = xstrdup(path);
	ret = open_part(p, err);
	if (!ret && (!read_from(p) || (p->total && p->size > p->total)))
		ret = empty_file(p, err);
	if (!ret && lseek(p->fd, (off_t)p->size, SEEK_SET) < 0)
		ret = err_errno(err, "seek in %s", p->path);
	if (ret)
		fetch_part_close(p);
	return ret;
}

void fetch_part_close(struct fetch_part *p)
{
	if (p->fd >= 0)
		close(p->fd);
	forget_stamp(p);
	free(p->path);
	free(p->name);
	*p = (struct fetch_part){ .fd = -1 };
}

int fetch_part_read(struct fetch_part *p, uint64_t at, void *out, size_t n,
		    struct err *err)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pread(p->fd, (char *)out + done, n - done,
				    (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, "read %s", p->path);
		if (!got)
			return err_set(err, EIO, "%s became shorter", p->path);
		done += (size_t)got;
	}
	return 0;
}

int fetch_part_begin(struct fetch_part *p, const struct fetch_answer *a,
		     uint64_t total, struct err *err)
{
	int ret = empty_file(p, err);

	/* A weak ETag names what reads alike, which may differ in bytes. */
	if (a->etag && !str_starts(a->etag, "W/"))
		p->etag = xstrdup(a->etag);
	p->modified = a->modified ? xstrdup(a->modified) : NULL;
	p->total = total;
	if (!ret && p->fd >= 0)
		ret = write_from(p, err);
	return ret;
}

int fetch_part_add(struct fetch_part *p, struct bytes b, struct err *err)
{
	int ret = p->fd < 0 ? 0 : fs_write_all(p->fd, b);

	if (ret) {
		errno = -ret;
		return err_errno(err, "write %s", p->path);
	}
	p->size += b.len;
	return 0;
}

int fetch_part_end(struct fetch_part *p, struct err *err)
{
	if (p->total == p->size)
		return 0;
	p->total = p->size;
	return p->fd >= 0 ? write_from(p, err) : 0;
}

bool fetch_part_is_whole(const struct fetch_part *p)
{
	return p->total && p->size == p->total;
}

char *fetch_part_condition(const struct fetch_part *p)
{
	bool whole = fetch_part_is_whole(p);

	if (p->etag)
		return xasprintf("%s: %s", whole ? "If-None-Match" : "If-Range",
				 p->etag);
	if (p->modified)
		return xasprintf("%s: %s",
				 whole ? "If-Modified-Since" : "If-Range",
				 p->modified);
	return NULL;
}

void fetch_forget(const char *part)
{
	char *from = from_path(part);

	unlink(part);
	unlink(from);
	free(from);
}

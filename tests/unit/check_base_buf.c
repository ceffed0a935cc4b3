/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/buf.h"
#include "base/err.h"

#include <sys/mman.h>
#include <unistd.h>

TEST(an_empty_buffer_is_an_empty_string)
{
	struct buf b = { 0 };
	char *s;

	ck_assert_str_eq(buf_str(&b), "");
	ck_assert_uint_eq(buf_bytes(&b).len, 0);
	buf_reset(&b);
	buf_consume(&b, 0);
	buf_add(&b, NULL, 0);
	s = buf_steal(&b);
	ck_assert_str_eq(s, "");
	free(s);
	buf_release(&b);
}

TEST(a_nul_byte_follows_the_content)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < 5000; i++) {
		buf_add(&b, "x", 1);
		ck_assert_uint_eq(b.len, i + 1);
		ck_assert_int_eq(b.data[b.len], '\0');
		ck_assert_uint_gt(b.cap, b.len);
	}
	ck_assert_uint_eq(strspn(buf_str(&b), "x"), 5000);
	buf_release(&b);
	ck_assert_ptr_null(b.data);
}

TEST(the_content_can_contain_nul_bytes)
{
	struct buf b = { 0 };

	buf_add_bytes(&b, bytes_of("a\0b", 3));
	buf_add_str(&b, "c");
	ck_assert(bytes_equal(buf_bytes(&b), bytes_of("a\0bc", 4)));
	buf_release(&b);
}

TEST(printf_grows_for_a_text_of_any_length)
{
	static const int lengths[] = { 0, 1, 79, 80, 81, 127, 128, 4096 };
	struct buf b = { 0 };
	size_t want = 0;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		buf_printf(&b, "%0*d", lengths[i], 0);
		want += lengths[i] ? (size_t)lengths[i] : 1;
		ck_assert_uint_eq(b.len, want);
		ck_assert_uint_eq(strlen(buf_str(&b)), want);
	}
	buf_release(&b);
}

TEST(a_number_is_added_in_decimal)
{
	struct buf b = { 0 };

	buf_add_number(&b, 0);
	buf_add_str(&b, " ");
	buf_add_number(&b, 10);
	buf_add_str(&b, " ");
	buf_add_number(&b, UINT64_MAX);
	ck_assert_str_eq(buf_str(&b), "0 10 18446744073709551615");
	buf_release(&b);
}

TEST(reserve_rejects_an_impossible_size_and_keeps_the_content)
{
	struct buf b = { 0 };

	buf_add_str(&b, "kept");
	ck_assert_int_eq(buf_reserve(&b, SIZE_MAX), -ENOMEM);
	ck_assert_int_eq(buf_reserve(&b, SIZE_MAX / 2), -ENOMEM);
	ck_assert_int_eq(buf_reserve(&b, SIZE_MAX / 2 - 100), -ENOMEM);
	ck_assert_str_eq(buf_str(&b), "kept");
	buf_release(&b);
}

TEST(reserve_makes_room_without_adding)
{
	struct buf b = { 0 };

	ck_assert_int_eq(buf_reserve(&b, 1000), 0);
	ck_assert_uint_gt(b.cap, 1000);
	ck_assert_uint_eq(b.len, 0);
	buf_release(&b);
}

TEST(consume_takes_from_the_front)
{
	struct buf b = { 0 };

	buf_add_str(&b, "headtail");
	buf_consume(&b, 4);
	ck_assert_str_eq(buf_str(&b), "tail");
	buf_consume(&b, 0);
	ck_assert_str_eq(buf_str(&b), "tail");
	buf_consume(&b, 4);
	ck_assert_str_eq(buf_str(&b), "");
	buf_release(&b);
}

TEST(reset_keeps_the_memory)
{
	struct buf b = { 0 };
	size_t cap;

	buf_add_str(&b, "something");
	cap = b.cap;
	buf_reset(&b);
	ck_assert_str_eq(buf_str(&b), "");
	ck_assert_uint_eq(b.cap, cap);
	buf_release(&b);
}

TEST(steal_hands_over_the_string)
{
	struct buf b = { 0 };
	char *s;

	buf_add_str(&b, "mine");
	s = buf_steal(&b);
	ck_assert_str_eq(s, "mine");
	ck_assert_ptr_null(b.data);
	ck_assert_uint_eq(b.len, 0);
	free(s);
}

TEST(a_reader_returns_the_encoded_values)
{
	struct buf b = { 0 };
	struct reader r;
	char *s;

	buf_put_u8(&b, 0xfe);
	buf_put_u16(&b, 0xfedc);
	buf_put_u32(&b, 0xfedcba98);
	buf_put_bytes(&b, bytes_of("a\0b", 3));
	buf_put_bytes(&b, bytes_of(NULL, 0));
	buf_put_str(&b, "text");
	reader_init(&r, buf_bytes(&b));
	ck_assert_uint_eq(*reader_raw(&r, 1).data, 0xfe);
	ck_assert_uint_eq(reader_u16(&r), 0xfedc);
	ck_assert_uint_eq(reader_u32(&r), 0xfedcba98);
	ck_assert(bytes_equal(reader_bytes(&r), bytes_of("a\0b", 3)));
	ck_assert_uint_eq(reader_bytes(&r).len, 0);
	s = reader_str(&r, 4);
	ck_assert_str_eq(s, "text");
	ck_assert_int_eq(reader_end(&r), 0);
	free(s);
	buf_release(&b);
}

static const struct {
	const char *word, *quoted;
} words_of[] = {
	{ "plain-word_1.0/x,y:z@a%b=c+", "plain-word_1.0/x,y:z@a%b=c+" },
	{ "", "''" },
	{ "two words", "'two words'" },
	{ "it's", "'it'\\''s'" },
	{ "$(reboot)", "'$(reboot)'" },
	{ "a\nb", "'a\nb'" },
};

TEST_EACH(shell_words_are_quoted_only_if_necessary, words_of)
{
	struct buf out = { 0 };

	buf_add_shell_word(&out, row->word);
	ck_assert_str_eq(buf_str(&out), row->quoted);
	buf_release(&out);
}

/* A file whose size is known, and a pipe, whose data arrives in pieces. */
TEST(read_appends_the_content_up_to_the_limit)
{
	enum {
		LEN = 100000
	};
	char *content = xmalloc(LEN);
	struct buf b = { 0 };
	int fd = memfd_create("content", MFD_CLOEXEC), ends[2];
	struct err err;

	memset(content, 'x', LEN);
	must(bytes_write(fd, bytes_of(content, LEN)));
	buf_add_str(&b, "head");
	ck_assert(!lseek(fd, 0, SEEK_SET));
	ck_assert_int_eq(buf_read(&b, fd, LEN + 3), -EFBIG);
	b.len = 4;
	ck_assert(!lseek(fd, 0, SEEK_SET));
	must(buf_read(&b, fd, LEN + 4));
	ck_assert_uint_eq(b.len, LEN + 4);
	ck_assert_uint_eq(strlen(buf_str(&b)), LEN + 4);
	ck_assert(!memcmp(b.data + 4, content, LEN));
	must(buf_read(&b, fd, LEN + 4));
	ck_assert_uint_eq(b.len, LEN + 4);
	close(fd);
	buf_release(&b);

	ck_assert(!pipe2(ends, O_CLOEXEC));
	must(bytes_write(ends[1], bytes_of(content, LEN / 2)));
	close(ends[1]);
	must(buf_read(&b, ends[0], LEN));
	ck_assert_uint_eq(b.len, LEN / 2);
	ck_assert(!memcmp(b.data, content, LEN / 2));
	close(ends[0]);
	ck_assert_int_eq(buf_read(&b, ends[0], LEN), -EBADF);
	buf_release(&b);
	free(content);
}

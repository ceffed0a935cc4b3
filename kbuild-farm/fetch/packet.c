/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/packet.h"

#include "base/str.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>

enum tag {
	TAG_SIGNATURE = 2,
	TAG_SECRET_KEY = 5,
	TAG_KEY = 6,
	TAG_SECRET_SUBKEY = 7,
	TAG_USER_ID = 13,
	TAG_SUBKEY = 14,
	TAG_USER_ATTRIBUTE = 17,
};

#define SUBPACKET_KEY_EXPIRES 9
#define REVOKES_KEY           0x20
#define REVOKES_SUBKEY        0x28
/* Nobody has so many subkeys; each costs a walk through the other copy. */
#define REVOCATIONS_MOST 1000

static uint32_t get_be(struct reader *r, unsigned n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | reader_u8(r);
	return v;
}

/* RFC 4880 4.2.2 and 5.2.3.1; partial lengths are for data, not for keys. */
static uint32_t new_length(struct reader *r, bool in_signature)
{
	uint8_t first = reader_u8(r);

	if (first < 192)
		return first;
	if (first == 255)
		return get_be(r, 4);
	if (first >= 224 && !in_signature) {
		r->bad = true;
		return 0;
	}
	return ((uint32_t)(first - 192) << 8) + reader_u8(r) + 192;
}

int fetch_packet_next(struct bytes *in, struct fetch_packet *out)
{
	struct fetch_packet got = { 0 };
	struct reader r;
	uint32_t len;
	uint8_t head;

	if (!in->len)
		return 0;
	reader_init(&r, *in);
	head = reader_u8(&r);
	if (!(head & 0x80) || (!(head & 0x40) && (head & 3) == 3))
		return -EPROTO;
	if (head & 0x40) {
		got.tag = head & 0x3f;
		len = new_length(&r, false);
	} else {
		got.tag = head >> 2 & 15;
		len = get_be(&r, 1u << (head & 3));
	}
	got.body = reader_raw(&r, len);
	if (r.bad || !got.tag)
		return -EPROTO;

	got.whole = bytes_of(in->data, in->len - r.left);
	*in = bytes_of(in->data + got.whole.len, r.left);
	*out = got;
	return 1;
}

bool fetch_packet_fingerprint(const struct fetch_packet *packet,
			      char out[static FETCH_FINGERPRINT])
{
	static const char digits[] = "0123456789ABCDEF";
	struct bytes body = packet->body;
	struct buf hashed = { 0 };
	uint8_t sum[20];

	if ((packet->tag != TAG_KEY && packet->tag != TAG_SUBKEY) ||
	    body.len < 6 || body.len > 0xffff || body.data[0] != 4)
		return false;
	buf_put_u8(&hashed, 0x99);
	buf_put_u8(&hashed, (uint8_t)(body.len >> 8));
	buf_put_u8(&hashed, (uint8_t)body.len);
	buf_add_bytes(&hashed, body);
	if (!EVP_Digest(hashed.data, hashed.len, sum, NULL, EVP_sha1(), NULL))
		str_out_of_memory();
	buf_release(&hashed);

	for (size_t i = 0; i < sizeof(sum); i++) {
		out[2 * i] = digits[sum[i] >> 4];
		out[2 * i + 1] = digits[sum[i] & 15];
	}
	out[FETCH_FINGERPRINT - 1] = '\0';
	return true;
}

static bool is_key(const struct fetch_packet *packet, const char *fingerprint)
{
	char own[FETCH_FINGERPRINT];

	return fetch_packet_fingerprint(packet, own) &&
	       !strcasecmp(own, fingerprint);
}

int fetch_packet_extract(struct bytes packets, const char *fingerprint,
			 struct buf *out)
{
	struct fetch_packet packet;
	bool inside = false, found = false, secret = false;
	struct buf key = { 0 };
	int ret;

	while ((ret = fetch_packet_next(&packets, &packet)) > 0) {
		switch (packet.tag) {
		case TAG_KEY:
			inside = !found && is_key(&packet, fingerprint);
			found |= inside;
			break;
		case TAG_SECRET_KEY:
		case TAG_SECRET_SUBKEY:
			secret = true;
			break;
		case TAG_SUBKEY:
		case TAG_SIGNATURE:
		case TAG_USER_ID:
		case TAG_USER_ATTRIBUTE:
			break;
		default:
			continue;
		}
		if (inside)
			buf_add_bytes(&key, packet.whole);
	}
	if (!ret && secret)
		ret = -EINVAL;
	if (!ret && !found)
		ret = -ENOKEY;
	if (!ret)
		buf_add_bytes(out, buf_bytes(&key));
	buf_release(&key);
	return ret;
}

/* The seconds that a signature gives its key, 0 when it does not say. */
static uint32_t lifetime(struct bytes signature)
{
	struct reader r, hashed;
	uint32_t found = 0;

	reader_init(&r, signature);
	if (reader_u8(&r) != 4)
		return 0;
	reader_raw(&r, 3); /* type, two algorithms */
	reader_init(&hashed, reader_raw(&r, get_be(&r, 2)));
	while (!hashed.bad && hashed.left) {
		struct bytes sub = reader_raw(&hashed,
					      new_length(&hashed, true));
		struct reader one;

		reader_init(&one, sub);
		if ((reader_u8(&one) & 0x7f) != SUBPACKET_KEY_EXPIRES)
			continue;
		found = get_be(&one, 4);
	}
	return found;
}

bool fetch_packet_may_expire(struct bytes packets, const char *fingerprint,
			     int64_t when)
{
	struct fetch_packet packet;
	bool inside = false;
	int64_t created = 0;

	while (fetch_packet_next(&packets, &packet) > 0) {
		if (packet.tag == TAG_KEY || packet.tag == TAG_SUBKEY) {
			struct reader r;

			inside = is_key(&packet, fingerprint);
			reader_init(&r, packet.body);
			reader_u8(&r);
			created = get_be(&r, 4);
		} else if (inside && packet.tag == TAG_SIGNATURE) {
			uint32_t seconds = lifetime(packet.body);

			if (seconds && created + seconds == when)
				return true;
		}
	}
	return false;
}

static bool is_revocation(const struct fetch_packet *packet)
{
	struct bytes b = packet->body;

	return packet->tag == TAG_SIGNATURE && b.len > 2 && b.data[0] == 4 &&
	       (b.data[1] == REVOKES_KEY || b.data[1] == REVOKES_SUBKEY);
}

static bool has_body(struct bytes packets, struct bytes body)
{
	struct fetch_packet packet;

	while (fetch_packet_next(&packets, &packet) > 0) {
		if (packet.tag == TAG_SIGNATURE &&
		    bytes_equal(packet.body, body))
			return true;
	}
	return false;
}

bool fetch_packet_forgets(struct bytes known, struct bytes other)
{
	struct fetch_packet packet;
	unsigned n = 0;

	while (n < REVOCATIONS_MOST && fetch_packet_next(&known, &packet) > 0) {
		if (!is_revocation(&packet))
			continue;
		if (!has_body(other, packet.body))
			return true;
		n++;
	}
	return false;
}

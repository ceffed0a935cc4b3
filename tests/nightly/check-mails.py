# SPDX-License-Identifier: GPL-2.0-or-later
"""check-mails.py DIR: are the mails DIR/*.eml what DIR/*.want say?

A .want has the subject on its first line and then the text.  Whatever these
hold, the mail has the headers that it should have, once each, and no others.
"""
import email
import email.policy
import email.utils
import glob
import re
import sys

HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "In-Reply-To",
           "References", "Auto-Submitted", "X-Kfarm-Result", "MIME-Version",
           "Content-Type", "Content-Transfer-Encoding"]


def check(path):
    raw = open(path, "rb").read()
    want = open(path[:-4] + ".want", "rb").read().decode()
    subject, text = want.split("\n", 1)
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert not mail.defects, mail.defects
    assert mail.keys() == HEADERS, mail.keys()
    for name in HEADERS:
        assert not mail[name].defects, (name, mail[name].defects)
    assert mail["Subject"] == subject, (mail["Subject"], subject)
    assert mail.get_content() == text, (mail.get_content(), text)
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content_charset() == "utf-8"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Kfarm-Result"] in ("PASS", "WARN", "FAIL", "ERROR")
    assert mail["Date"].datetime.timestamp() == 1795140000
    assert mail["In-Reply-To"] == mail["References"]
    assert re.fullmatch(r"<[\w.+-]+@[\w.-]+>", mail["Message-ID"])
    assert [a.addr_spec for a in mail["To"].addresses] == \
        ["j@example.org", "root@localhost", "k@example.org"], mail["To"]
    assert [a.display_name for a in mail["To"].addresses] == \
        ["Jörg Müller", "", "Kay, \"the\" builder"], mail["To"]
    assert b"\r" not in raw and max(raw) < 127, "not ASCII"
    head = raw.split(b"\n\n", 1)[0]
    assert max(map(len, head.split(b"\n"))) <= 78 or len(max(
        subject.split(), key=len)) > 60, "a long line in the head"
    assert max(map(len, raw.split(b"\n"))) <= 998, "a long line"
    assert not re.search(rb"^From ", raw.split(b"\n\n", 1)[1], re.M)


paths = sorted(glob.glob(sys.argv[1] + "/*.eml"))
for one in paths:
    try:
        check(one)
    except AssertionError as error:
        print("%s: %s\n%s" % (one, error, open(one, "rb").read()))
        sys.exit(1)
print(len(paths))

"""The characters that frame, and the forms of the lines that are more than data. (IEC 62056-21:2002, 6.3)"""

import re

SOH, STX, ETX, EOT, ACK, NAK = 0x01, 0x02, 0x03, 0x04, 0x06, 0x15
LF = 0x0A

# A slash is also in units (imp/kWh): an identification is a line's end without brackets. 0x01 and 0x02 are in it
# where a recording has them for a backslash escape.
IDENTIFICATION = re.compile(rb"/[A-Za-z]{3}[^()/!\x00\x03-\x1f\x7f]{1,40}\r{0,8}\Z")
IDENTIFICATION_CUT = re.compile(rb"/[A-Za-z]{3}[^()/!\x00\x03-\x1f\x7f]{0,40}\r{0,8}\Z")
MARK = re.compile(rb"[\n\x02\x03\x04]")
# Within a block lines mean nothing, but for one by which the next telegram begins.
BLOCK_MARK = re.compile(
    rb"[\x02\x03\x04]|/(?:[A-Za-z]{3}[^()/!\x00\x02-\x1f\x7f]{1,40}|\?[0-9A-Za-z ]{0,32}!)\r{0,8}\n"
)
LONGEST_NAME = 64
ESCAPED_STX = re.compile(rb"/[A-Za-z]{3}[0-9A-Za-z]\Z")
REQUEST = re.compile(rb"/\?[0-9A-Za-z ]{0,32}!\r{0,8}\Z")
END = re.compile(rb"!([0-9A-Fa-f]{0,4})\r*\Z")
WITH_CRC = re.compile(rb"!([0-9A-Fa-f]{4})\r*\Z")
COMMAND = re.compile(rb"\x01[A-Z][0-9]\Z")
BLANK_OR_ACK = re.compile(rb"\s*(?:\x06[0-9]{0,2}[0-9:;]?\s*)?")

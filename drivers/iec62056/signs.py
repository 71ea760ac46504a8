"""The characters that frame, and the form of the line by which a meter names itself. (IEC 62056-21:2002, 6.3)"""

import re

SOH, STX, ETX, EOT, ACK, NAK = 0x01, 0x02, 0x03, 0x04, 0x06, 0x15
LF = 0x0A

# A slash is also in units (imp/kWh): an identification is a line's end without brackets. 0x01 and 0x02 are in it
# where a recording has them for a backslash escape.
IDENTIFICATION = re.compile(rb"/[A-Za-z]{3}[^()/!\x00\x03-\x1f\x7f]{1,40}\r{0,8}\Z")
IDENTIFICATION_CUT = re.compile(rb"/[A-Za-z]{3}[^()/!\x00\x03-\x1f\x7f]{0,40}\r{0,8}\Z")

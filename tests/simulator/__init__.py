# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outside world on loopback: Apple's portals and services, APNs, an MDM server with the nano admin APIs, CLOMO PANEL.

Start it with `python -m simulator` from tests/, or from tests with client.start(). It imports nothing from plugins/.
"""

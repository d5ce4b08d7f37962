"""Pictures of the dashboards, drawn by a small renderer of our own from the dashboards' own queries. Not by Grafana.

It reads the same JSON and asks a real Prometheus what Grafana would ask, so a picture shows what the queries return, in
the panels, units, thresholds and colours that the JSON says. Fonts and details differ from Grafana's.
"""

"""The product's images without a builder and a registry: the Dockerfile is carried out here."""
